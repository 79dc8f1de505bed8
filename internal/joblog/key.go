package joblog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// Run is what a run's logs are found by.
type Run struct {
	Team string
	ID   string
	// CreatedAt is when the run was acknowledged: its day is in the keys.
	CreatedAt time.Time
}

const (
	keyRoot   = "logs/"
	keySuffix = ".ndjson.gz"
	// longName is from where on a name is replaced by its hash: file systems end at 255 bytes.
	longName = 128
)

// prefix is what the keys of all of a run's objects begin with. The names in it
// are Athena's partitions.
func (r Run) prefix() string {
	return keyRoot + "team=" + escape(r.Team) + "/dt=" + r.CreatedAt.UTC().Format(time.DateOnly) + "/run=" + escape(r.ID) + "/"
}

// Key is where the log of one execution lies:
// logs/team=T/dt=YYYY-MM-DD/run=R/STEP/AAAA-ENDED-EXECUTION.ndjson.gz, with
// item=KEY behind the step for an item of a foreach. AAAA is the attempt, ENDED
// when the execution ended in milliseconds since 1970. No name can leave its place in it.
func Key(run Run, step, item string, attempt int, ended time.Time, execution string) string {
	return run.prefix() + folder(step, item) + fmt.Sprintf("%04d-%013d-%s", attempt, ended.UnixMilli(), escape(execution)) + keySuffix
}

// folder is where, below a run's prefix, the logs of a step lie, or of an item of it.
func folder(step, item string) string {
	if item == "" {
		return escape(step) + "/"
	}
	return escape(step) + "/" + itemFolder(item)
}

// itemFolder is the part of a key that only the logs of an item have.
func itemFolder(item string) string { return "item=" + escape(item) + "/" }

// escape keeps letters, digits, _ and -, and writes any other byte as ~XX. A
// long name becomes its beginning and its hash.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	if b.Len() <= longName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(name))
	return b.String()[:longName/2] + "~~" + hex.EncodeToString(sum[:])[:longName/4]
}

// orderOf is the part of a key by which a run's objects are ordered: ENDED-EXECUTION.
// An object is there a few seconds after its execution ended, so new ones come last.
func orderOf(key string) string {
	_, order, _ := strings.Cut(strings.TrimSuffix(path.Base(key), keySuffix), "-")
	return order
}

// endOf is when the execution of a key ended; the zero time for a key that isn't ours.
func endOf(key string) time.Time {
	text, _, _ := strings.Cut(orderOf(key), "-")
	ended, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ended)
}

// executionOf is the execution in a key, escaped.
func executionOf(key string) string {
	_, execution, _ := strings.Cut(orderOf(key), "-")
	return execution
}
