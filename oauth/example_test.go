package oauth_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grantway/grantway/oauth"
)

func ExampleParseScope() {
	scopes, err := oauth.ParseScope("read:notes write:notes  read:notes")
	fmt.Println(scopes, err)
	_, err = oauth.ParseScope("read\tnotes")
	fmt.Println(errors.Is(err, oauth.ErrScopeCharacter))
	// Output:
	// [read:notes write:notes] <nil>
	// true
}

// A refused request's body names an error code, which is an error of Go too.
func ExampleErrorCode() {
	var answer oauth.ErrorResponse
	body := `{"error":"invalid_client","error_description":"client authentication failed"}`
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		panic(err)
	}
	err := fmt.Errorf("fetch a token: %w", answer.Code)
	fmt.Println(errors.Is(err, oauth.InvalidClient), answer.Code.Status())
	// Output: true 401
}
