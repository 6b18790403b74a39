package goptri

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// minSecretBytes is the length of the output of SHA-256 (RFC 7518, section 3.2).
	minSecretBytes = 32
	// minDistinctBytes: 32 random hex digits have about 14 distinct ones, and a pattern such as abcabc has few.
	minDistinctBytes = 8
)

// knownSecrets are pasted from tutorials.
var knownSecrets = []string{"secret", "asdf", "changeme", "change-me", "change_me", "password", "test", "default",
	"example", "0123456789", "1234567890", "your-256-bit-secret", "a-string-secret-at-least-256-bits-long",
	"your_secret_key", "supersecret"}

// weakness returns why a text is rejected as a secret, or "". It contains no part of the text.
func weakness(secret string) string {
	switch {
	case isKnownSecret(secret):
		return "is a well-known default"
	case len(secret) < minSecretBytes:
		return fmt.Sprintf("is %d bytes long; it needs at least %d", len(secret), minSecretBytes)
	case strings.ContainsFunc(secret, isSpaceOrControl) || !utf8.ValidString(secret):
		return "contains white space or control characters, or is not UTF-8"
	case distinctBytes(secret) < minDistinctBytes:
		return "repeats a few characters"
	}
	return ""
}

// isKnownSecret tells whether a known secret, perhaps repeated, makes up at least three quarters of the text.
func isKnownSecret(secret string) bool {
	lower := strings.ToLower(secret)
	for _, known := range knownSecrets {
		if rest := strings.ReplaceAll(lower, known, ""); rest != lower && 4*len(rest) <= len(lower) {
			return true
		}
	}
	return false
}

func distinctBytes(text string) int {
	distinct := map[byte]bool{}
	for _, character := range []byte(text) {
		distinct[character] = true
	}
	return len(distinct)
}
