package forward

import "strings"

// A Tree finds what is said about a path. A path is matched segment by segment,
// literal segments before {variables} before a last …, and the most specific path
// decides alone. It is built once and then only read.
type Tree[P any] struct {
	literal  map[string]*Tree[P]
	variable *Tree[P]
	here     *P // the path ends here
	below    *P // … : the path goes on from here
}

// At returns where the place of a path pattern is kept, nil at first.
func (t *Tree[P]) At(pattern string) **P {
	at := t
	segments := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	for i, segment := range segments {
		switch {
		case segment == "…" && i == len(segments)-1:
			return &at.below
		case strings.HasPrefix(segment, "{"):
			if at.variable == nil {
				at.variable = &Tree[P]{}
			}
			at = at.variable
		default:
			if at.literal == nil {
				at.literal = map[string]*Tree[P]{}
			}
			if at.literal[segment] == nil {
				at.literal[segment] = &Tree[P]{}
			}
			at = at.literal[segment]
		}
	}
	return &at.here
}

// Find returns the place of a canonical path, nil when no pattern fits it. One
// slash at the end makes no difference: clients send both spellings and neither
// may be answered with a redirect.
func (t *Tree[P]) Find(path string) *P {
	path = strings.TrimPrefix(path, "/")
	if path != "" {
		path = strings.TrimSuffix(path, "/")
	}
	return t.walk(path)
}

func (t *Tree[P]) walk(rest string) *P {
	segment, after, more := strings.Cut(rest, "/")
	for _, next := range []*Tree[P]{t.literal[segment], t.variable} {
		if next == nil || next == t.variable && segment == "" {
			continue
		}
		if !more {
			if next.here != nil {
				return next.here
			}
		} else if found := next.walk(after); found != nil {
			return found
		}
	}
	if segment == "" {
		return nil // the root itself: … is one segment at least
	}
	return t.below
}
