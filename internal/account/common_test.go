package account

import (
	"strings"
	"testing"
)

// P05: what is tried first is refused, however it is dressed up.
func TestCommonPasswords(t *testing.T) {
	for _, password := range []string{
		"password1234", "Password2026!", "P@ssw0rd1234", "passwordpassword", "welkom2026!!!", "qwertyuiop12", "1q2w3e4r5t6y",
		"123456789012", "111111111111", "abcabcabcabc", "iloveyou1234", "Summer-2026!!", "manchesterunited", "abcdefghijkl", "asdfghjklzxcvbnm",
		"letmein12345", "0612345678901", "2001-02-03-04", "correcthorsebatterystaple", "Ajax-Amsterdam-1", "aabbaabbaabb",
	} {
		if !isCommon(password) {
			t.Errorf("%s is taken", password)
		}
	}
	for _, password := range []string{
		"gulp-tractor-nine", "vk3Qz!pL0w8s", "de brug bij het meer", "0192837465564738291", "müsli ist kein Frühstück", "tangerine-lathe-9",
	} {
		if isCommon(password) {
			t.Errorf("%s is refused", password)
		}
	}
}

func TestCommonWordsAreAsTheyAreLookedUp(t *testing.T) {
	if n := len(commonWords()); n < 800 || n > 5000 {
		t.Errorf("%d words", n)
	}
	for word := range commonWords() {
		if word == "" || word != strings.ToLower(strings.TrimSpace(word)) {
			t.Errorf("%q is never found", word)
		}
	}
}

func TestPasswordThatIsTheName(t *testing.T) {
	for password, want := range map[string]bool{
		"jan.jansen123": true, "JAN.JANSENjan.jansen": true, "xx-jan.jansen": true, "jan.jansen-gulp-tractor": false, "gulp-tractor-nine": false,
	} {
		if got := isName(password, "jan.jansen@school.example"); got != want {
			t.Errorf("%s: %v", password, got)
		}
	}
}

func FuzzCommon(f *testing.F) {
	f.Add("password1234")
	f.Add("\xff\x00é")
	f.Fuzz(func(t *testing.T, password string) {
		if len(password) <= MostPassword {
			isCommon(password)
			isName(password, "jan")
		}
	})
}
