package job

import (
	"bytes"
	"encoding/json"
)

// MaxOutput is the most bytes that the output of a step or of a run may have.
const MaxOutput = 16 << 20

// CheckOutput returns CodeTooLarge for an output that is over [MaxOutput] as it
// is kept: [json.Marshal], through which it goes on its way there, writes <, >
// and &, U+2028 and U+2029 as six bytes.
func CheckOutput(what string, output json.RawMessage) error {
	size := len(output)
	if size > MaxOutput/6 {
		for _, escaped := range []string{"<", ">", "&", "\u2028", "\u2029"} {
			size += bytes.Count(output, []byte(escaped)) * (len(`\u0000`) - len(escaped))
		}
	}
	if size <= MaxOutput {
		return nil
	}
	return Errorf(CodeTooLarge, "%s has %d bytes as JSON, over %d MiB: keep large data elsewhere and pass its address", what, size, MaxOutput>>20)
}
