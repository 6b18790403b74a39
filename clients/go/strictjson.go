package goptri

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

const (
	maxMembers = 64  // of the header or the payload of a token, and of a cookie
	maxDepth   = 127 // of nested objects and lists
)

var errJSON = errors.New("not a JSON object, or with a duplicate member or too many members")

// parseObject parses data, which must be one JSON object in UTF-8 without a duplicate member at any depth.
//
// encoding/json alone is too lenient for a token: it takes the last of two members, matches names without regard to
// case, and replaces invalid text. members limits the members of all objects together; each nested object counts as
// one more.
func parseObject(data []byte, members int) (map[string]any, error) {
	if len(data) == 0 || data[0] != '{' || !utf8.Valid(data) || !json.Valid(data) || hasLoneSurrogate(data) {
		return nil, errJSON
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := (&objectParser{decoder, members + 1}).value(maxDepth)
	object, _ := value.(map[string]any)
	return object, err
}

type objectParser struct {
	decoder     *json.Decoder
	membersLeft int
}

// value returns the next value: a map[string]any, []any, string, bool, json.Number or nil.
func (p *objectParser) value(depth int) (any, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, errJSON
	}
	switch token {
	case json.Delim('{'), json.Delim('['):
		if depth == 0 {
			return nil, errJSON
		}
		if token == json.Delim('[') {
			return p.list(depth - 1)
		}
		return p.object(depth - 1)
	}
	if number, ok := token.(json.Number); ok {
		if float, _ := number.Float64(); math.IsInf(float, 0) {
			return nil, errJSON
		}
	}
	return token, nil
}

func (p *objectParser) object(depth int) (any, error) {
	object := map[string]any{}
	for p.membersLeft--; p.decoder.More(); p.membersLeft-- {
		name, err := p.decoder.Token()
		if err != nil {
			return nil, errJSON
		}
		key := name.(string) // the grammar was checked
		if _, duplicate := object[key]; duplicate {
			return nil, errJSON
		}
		if object[key], err = p.value(depth); err != nil {
			return nil, err
		}
	}
	if _, err := p.decoder.Token(); err != nil || p.membersLeft < 0 {
		return nil, errJSON
	}
	return object, nil
}

func (p *objectParser) list(depth int) (any, error) {
	list := []any{}
	for p.decoder.More() {
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := p.decoder.Token()
	return list, err
}

// hasLoneSurrogate tells whether valid JSON has an escape such as \ud800 that is no character. encoding/json would
// replace it.
func hasLoneSurrogate(data []byte) bool {
	unit := func(at int) rune {
		if at+6 > len(data) || data[at] != '\\' || data[at+1] != 'u' {
			return 0
		}
		code, _ := strconv.ParseUint(string(data[at+2:at+6]), 16, 16)
		return rune(code)
	}
	for at := 0; ; {
		escape := bytes.IndexByte(data[at:], '\\')
		if escape < 0 {
			return false
		}
		at += escape
		switch first, second := unit(at), unit(at+6); {
		case first < 0xd800 || first > 0xdfff:
			at += 2
		case first <= 0xdbff && second >= 0xdc00 && second <= 0xdfff:
			at += 12
		default:
			return true
		}
	}
}

// integer returns a whole number that is not negative.
func integer(value any) (int64, bool) {
	number, ok := value.(json.Number)
	parsed, err := strconv.ParseInt(number.String(), 10, 64)
	return parsed, ok && err == nil && parsed >= 0
}

// texts returns a list of strings.
func texts(value any) ([]string, bool) {
	list, ok := value.([]any)
	strings := make([]string, len(list))
	for i := range list {
		var isText bool
		strings[i], isText = list[i].(string)
		ok = ok && isText
	}
	return strings, ok
}
