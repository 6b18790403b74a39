package goptri

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxMembers = 64  // of the header or the payload of a token, and of a cookie
	maxDepth   = 127 // of nested objects and lists
)

var errJSON = errors.New("not a JSON object, or with a duplicate member or too many members")

// parseObject parses data, which must be one JSON object in UTF-8 without a duplicate member at any depth.
//
// encoding/json checks the grammar. Its decoder is too lenient for a token: it takes the last of two members, matches
// names without regard to case, and replaces invalid text. members limits the members of all objects together; each
// nested object counts as one more.
func parseObject(data []byte, members int) (map[string]any, error) {
	if len(data) == 0 || data[0] != '{' || !utf8.Valid(data) || !json.Valid(data) || hasLoneSurrogate(data) {
		return nil, errJSON
	}
	parser := &objectParser{rest: data, membersLeft: members}
	object := parser.object(maxDepth)
	if parser.rejected || parser.membersLeft < 0 {
		return nil, errJSON
	}
	return object, nil
}

// objectParser parses the rest of a text with valid grammar.
type objectParser struct {
	rest        []byte
	membersLeft int
	rejected    bool
}

// next returns the next byte that is not white space, without consuming it.
func (p *objectParser) next() byte {
	p.rest = bytes.TrimLeft(p.rest, " \t\r\n")
	return p.rest[0]
}

// take consumes that number of bytes.
func (p *objectParser) take(length int) string {
	taken := p.rest[:length]
	p.rest = p.rest[length:]
	return string(taken)
}

// value returns the next value: a map[string]any, []any, string, bool, json.Number or nil.
func (p *objectParser) value(depth int) any {
	switch p.next() {
	case '{':
		p.membersLeft--
		return p.object(depth - 1)
	case '[':
		return p.list(depth - 1)
	case '"':
		return p.text()
	case 't':
		return p.take(len("true")) != ""
	case 'f':
		return p.take(len("false")) == ""
	case 'n':
		p.take(len("null"))
		return nil
	}
	number := json.Number(p.take(bytes.IndexAny(p.rest, ",]} \t\r\n")))
	float, _ := number.Float64()
	p.rejected = p.rejected || math.IsInf(float, 0)
	return number
}

func (p *objectParser) object(depth int) map[string]any {
	p.rejected = p.rejected || depth <= 0
	object := map[string]any{}
	for p.take(1); p.next() != '}'; p.skip(',') {
		name := p.text()
		_, isDuplicate := object[name]
		p.rejected = p.rejected || isDuplicate
		p.membersLeft--
		p.skip(':')
		object[name] = p.value(depth)
	}
	p.take(1)
	return object
}

func (p *objectParser) list(depth int) []any {
	p.rejected = p.rejected || depth <= 0
	list := []any{}
	for p.take(1); p.next() != ']'; p.skip(',') {
		list = append(list, p.value(depth))
	}
	p.take(1)
	return list
}

func (p *objectParser) skip(separator byte) {
	if p.next() == separator {
		p.take(1)
	}
}

func (p *objectParser) text() string {
	end := 1
	for ; p.rest[end] != '"'; end++ {
		if p.rest[end] == '\\' {
			end++
		}
	}
	quoted := p.take(end + 1)
	if !strings.Contains(quoted, `\`) {
		return quoted[1:end]
	}
	var text string
	_ = json.Unmarshal([]byte(quoted), &text) // the grammar is valid
	return text
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
