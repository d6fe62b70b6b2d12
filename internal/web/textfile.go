package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// A file of texts is the flat part of YAML 1.2 that needs no thought: a line for
// each text, "key: text", the text bare or in double quotes as in JSON; comments
// on lines of their own. What YAML would read as anything but that text is refused.

// placeholder is a place in a text that a page fills.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// readTexts reads a file of texts. Against the English texts, where there are some,
// it refuses keys that no page uses and placeholders that no page fills.
func readTexts(content []byte, english map[string]string) (map[string]string, error) {
	if !utf8.Valid(content) {
		return nil, errors.New("it is not UTF-8")
	}
	texts := map[string]string{}
	var faults []error
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, text, err := readText(line)
		if err == nil {
			err = checkText(key, text, texts, english)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		texts[key] = text
	}
	return texts, errors.Join(faults...)
}

func readText(line string) (key, text string, err error) {
	key, text, found := strings.Cut(line, ": ")
	if !found || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789._") != "" {
		return "", "", errors.New("a line is a key, a colon, a space and a text")
	}
	text = strings.TrimLeft(text, " ")
	switch {
	case strings.HasPrefix(text, `"`):
		if json.Unmarshal([]byte(text), &text) != nil {
			return "", "", fmt.Errorf("%s: what is in double quotes is written as in JSON", key)
		}
	case text == "" || strings.ContainsRune("'&*!|>%@`{}[],#?-~", rune(text[0])) || strings.Contains(text, ": ") || strings.Contains(text, " #") || strings.HasSuffix(text, ":"):
		return "", "", fmt.Errorf("%s: this text needs double quotes", key)
	}
	return key, text, nil
}

func checkText(key, text string, texts, english map[string]string) error {
	if _, twice := texts[key]; twice {
		return fmt.Errorf("%s: this key is there twice", key)
	}
	places := placeholder.FindAllString(text, -1)
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		return fmt.Errorf("%s: a brace is open", key)
	}
	if english == nil {
		return nil
	}
	original, known := english[key]
	if !known {
		return fmt.Errorf("%s: no page has a text of this name", key)
	}
	for _, p := range places {
		if !slices.Contains(placeholder.FindAllString(original, -1), p) {
			return fmt.Errorf("%s: %s is nothing that this page fills in", key, p)
		}
	}
	return nil
}
