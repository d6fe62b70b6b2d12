package account

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
)

// common.txt holds, one a line, the words and phrases that the passwords people
// choose most are made of. What people add to reach a length (digits, signs, the
// word again, a letter written as a digit) is taken off before looking.
//
//go:embed common.txt
var commonText string

var commonWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.Lines(commonText) {
		words[strings.TrimSpace(word)] = true
	}
	return words
})

// isCommon reports whether a password is one of those that are tried first (row
// P05): a common word or two with digits and signs around, one part again and
// again, few different characters, or a walk along the keyboard or the alphabet.
func isCommon(password string) bool {
	lower := strings.ToLower(password)
	if distinct(lower) < 5 || repeats(lower) || walks(lower) {
		return true
	}
	// As typed, without what stands around it, and each with digits and signs read as
	// the letters they look like.
	core := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, text := range []string{lower, unleet.Replace(lower), core, unleet.Replace(core)} {
		letters := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return r
			}
			return -1
		}, text)
		if madeOf(text, 2) || madeOf(letters, 2) {
			return true
		}
	}
	// Dates and telephone numbers.
	return core == "" && len(lower) <= 16
}

var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// madeOf reports whether a text is at most so many common words in a row.
func madeOf(text string, words int) bool {
	if commonWords()[text] {
		return true
	}
	if words == 1 {
		return false
	}
	for i := range text {
		if i > 0 && commonWords()[text[:i]] && madeOf(text[i:], words-1) {
			return true
		}
	}
	return false
}

func distinct(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}

// repeats reports whether a text is a part of at most half its length, again and
// again, and cut off anywhere.
func repeats(text string) bool {
	for n := 1; n <= min(len(text)/2, 8); n++ {
		if strings.Repeat(text[:n], len(text)/n+1)[:len(text)] == text {
			return true
		}
	}
	return false
}

// rows are what fingers walk along.
var rows = []string{
	"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop", "qsdfghjklm", "qwertzuiop", "abcdefghijklmnopqrstuvwxyz",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "!@#$%^&*()",
}

// walks reports whether a text is at most three walks of three or more steps, in
// either direction.
func walks(text string) bool {
	steps := 0
	for i := 0; i < len(text); steps++ {
		longest := 0
		for _, row := range rows {
			longest = max(longest, along(text[i:], row), along(text[i:], reversed(row)))
		}
		if longest < 3 || steps == 3 {
			return false
		}
		i += longest
	}
	return true
}

// along returns how many bytes text goes along a row.
func along(text, row string) int {
	at := strings.IndexByte(row, text[0])
	if at < 0 {
		return 0
	}
	n := 0
	for n < len(text) && at+n < len(row) && text[n] == row[at+n] {
		n++
	}
	return n
}

func reversed(text string) string {
	out := make([]byte, len(text))
	for i := range text {
		out[len(text)-1-i] = text[i]
	}
	return string(out)
}

// isName reports whether a password is a name with less than six bytes beside it,
// or the name again and again.
func isName(password, name string) bool {
	name = strings.ToLower(name)
	local, _, _ := strings.Cut(name, "@")
	lower := strings.ToLower(password)
	for _, one := range []string{name, local} {
		if len(one) < 3 {
			continue
		}
		if rest := strings.ReplaceAll(lower, one, ""); rest != lower && len(rest) < 6 {
			return true
		}
	}
	return false
}
