package demo

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// DefaultRoom is what a [Collection] holds at most, in bytes of JSON and
// overhead, unless it is told otherwise.
const DefaultRoom = 32 << 20

// overhead is about what an object costs in memory beyond its JSON, in bytes.
const overhead = 512

// Collection keeps JSON objects in memory by id, in the order in which they
// came. It is safe for concurrent use. Its room is bounded, so that an open
// demo cannot be filled until the machine gives up.
type Collection struct {
	id   string // the member that holds an object's id
	room int

	mu    sync.RWMutex
	order []string
	held  map[string]held
	used  int
	made  int // ids made so far
}

type held struct {
	object Object
	size   int
}

// NewCollection makes a collection of objects whose member named id holds
// their id, as a string. Room is in bytes; 0 means [DefaultRoom]. Objects that
// do not fit, or have no id, are left out.
func NewCollection(id string, room int, objects ...Object) *Collection {
	if room == 0 {
		room = DefaultRoom
	}
	c := &Collection{id: id, room: room, held: make(map[string]held, len(objects))}
	for _, o := range objects {
		if key, ok := o[id].(string); ok {
			c.put(key, o)
		}
	}
	return c
}

// List gives all objects, oldest first.
func (c *Collection) List() []Object {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]Object, len(c.order))
	for i, key := range c.order {
		list[i] = c.held[key].object
	}
	return list
}

// Get gives one object, and whether it is there.
func (c *Collection) Get(key string) (Object, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	h, ok := c.held[key]
	return h.object, ok
}

// Add stores an object under a new id, the prefix and a number, and gives it
// as stored. A full collection is a [*Fault] with status 507.
func (c *Collection) Add(prefix string, o Object) (Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		c.made++
		key := prefix + strconv.Itoa(c.made)
		if _, taken := c.held[key]; !taken {
			o = maps.Clone(o)
			o[c.id] = key
			return o, c.put(key, o)
		}
	}
}

// Create stores an object under an id that must be free: created says whether
// it was. A full collection is a [*Fault] with status 507.
func (c *Collection) Create(key string, o Object) (created bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.held[key]; taken {
		return false, nil
	}
	return true, c.put(key, o)
}

// Put stores an object under an id, in the place of one that was there:
// created says that there was none. A full collection is a [*Fault] with
// status 507.
func (c *Collection) Put(key string, o Object) (created bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, there := c.held[key]
	return !there, c.put(key, o)
}

// Change replaces an object by what change makes of it, as one step. Change
// must not alter the object it is given, nor call the collection. An unknown
// id is a [*Fault] with status 404, a full collection one with status 507, and
// an error of change is given back with nothing stored.
func (c *Collection) Change(key string, change func(Object) (Object, error)) (Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, there := c.held[key]
	if !there {
		return nil, NotFound("There is no object with this id.")
	}
	o, err := change(h.object)
	if err != nil {
		return nil, err
	}
	return o, c.put(key, o)
}

// Delete removes an object, and tells whether it was there.
func (c *Collection) Delete(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, there := c.held[key]
	if !there {
		return false
	}
	c.used -= h.size
	delete(c.held, key)
	c.order = slices.DeleteFunc(c.order, func(k string) bool { return k == key })
	return true
}

func (c *Collection) put(key string, o Object) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	size := len(body) + overhead
	old, there := c.held[key]
	if c.used-old.size+size > c.room {
		return &Fault{
			Status: http.StatusInsufficientStorage, Code: "full",
			Description: "The demo API holds no more. Delete something, or start it again.",
		}
	}
	c.used += size - old.size
	c.held[key] = held{object: o, size: size}
	if !there {
		c.order = append(c.order, key)
	}
	return nil
}
