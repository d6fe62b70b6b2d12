package catalogue

import (
	"reflect"
	"strconv"
	"strings"
)

// field is what the tags of a field say.
type field struct {
	index       int
	name        string // in Go
	key         string
	required    bool
	preset      string // the default, as text
	oneof       []string
	least, most int64 // 0 and 0: any number
}

// fieldsOf returns the fields of a struct that have a key.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		key, option, _ := strings.Cut(tag.Get("yaml"), ",")
		if key == "" {
			continue
		}
		f := field{index: i, name: t.Field(i).Name, key: key, required: option == "required", preset: tag.Get("default")}
		f.oneof = strings.Fields(tag.Get("oneof"))
		f.least, f.most = bound(t.Field(i).Type, tag.Get("min")), bound(t.Field(i).Type, tag.Get("max"))
		fields = append(fields, f)
	}
	return fields
}

// bound reads a min or max tag.
func bound(t reflect.Type, tag string) int64 {
	if tag == "" {
		return 0
	}
	v := reflect.New(t).Elem()
	setText(v, tag)
	return v.Int()
}

// setText sets a field from the text of a tag. A tag that does not fit its field
// leaves it as it is; a test reads every default back.
func setText(v reflect.Value, text string) {
	switch into := v.Addr().Interface().(type) {
	case *Duration:
		*into, _ = ParseDuration(text)
	case *Size:
		*into, _ = ParseSize(text)
	case *List:
		*into = strings.Fields(text)
	case *int:
		*into, _ = strconv.Atoi(text)
	case *bool:
		*into = text == "true"
	case *string:
		*into = text
	}
}
