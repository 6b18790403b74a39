package goptri

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzParseObject checks that what is accepted is decoded as encoding/json does it.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		changed(), accessHeader(nil), "{}", `{"a" : [ 1 , -0.5e+3 , true,false , null , { } , [ ] ] , "":"" } `,
		`{"a":"\"\\\/\n\u00e9\ud83d\ude00"}`,
		`{"a":1,"\u0061":2}`, `{"a":"\ud800"}`, `{"a":1e999}`, `{"a":[[[]]],"b":{"c":{"d":0}}}`,
		"{\"a\":\"\xff\"}", `{"a":1}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := parseObject(data)
		if err != nil {
			return
		}
		var expected map[string]any
		if err := json.Unmarshal(data, &expected); err != nil || !reflect.DeepEqual(got, expected) {
			t.Errorf("%q: %v, not %v: %v", data, got, expected, err)
		}
	})
}
