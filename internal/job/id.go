package job

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// crockford is Crockford's base32 alphabet in lower case (https://www.crockford.com/base32.html).
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// runPrefix begins every run's ID.
const runPrefix = "run_"

// NewRunID returns a new run's ID: "run_" and a UUIDv7 in Crockford base32, so
// that IDs sort by the time they were made.
func NewRunID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", Wrap(CodeInternal, err, "no randomness for an ID")
	}
	return runPrefix + crockford.EncodeToString(id[:]), nil
}

// ValidRunID reports whether s is of the form that [NewRunID] gives.
func ValidRunID(s string) bool {
	text, ok := strings.CutPrefix(s, runPrefix)
	if !ok {
		return false
	}
	raw, err := crockford.DecodeString(text)
	return err == nil && len(raw) == len(uuid.UUID{})
}

// nameForm is the form of a job's and of a team's name.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// ValidName reports whether s can name a job: a lower-case letter, then up to 62 of a-z 0-9 _ -.
func ValidName(s string) bool { return nameForm.MatchString(s) }

// ValidTeam reports whether s can name a team; the form is a job's.
func ValidTeam(s string) bool { return nameForm.MatchString(s) }

// ReservedName reports whether s can name nothing that expressions name: CEL keeps the word.
func ReservedName(s string) bool { return slices.Contains(reservedWords, s) }

// Token is the effect token of one call: the same for every try of it, and for
// no other call. Item is the foreach key and page the page's number, "" where there is none.
func Token(run, step, item, page string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{run, step, item, page}, "\x00")))
	return hex.EncodeToString(sum[:])
}
