package job_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/internal/job"
)

func TestCheckOutputMeasuresWhatIsKept(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"plain": "x", "escaped": "<", "separator": "\u2028", "mixed": "a&é\u2029>"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, factor := range []int{1, 2, 4, 6, 8} {
				var raw bytes.Buffer
				encoder := json.NewEncoder(&raw)
				encoder.SetEscapeHTML(false)
				require.NoError(t, encoder.Encode(strings.Repeat(text, job.MaxOutput*factor/8/len(text)-1)))
				output := bytes.TrimSpace(raw.Bytes())
				kept, err := json.Marshal(json.RawMessage(output))
				require.NoError(t, err)
				err = job.CheckOutput("the output", output)
				require.Equal(t, len(kept) > job.MaxOutput, err != nil, "%d bytes", len(kept))
				if err != nil {
					require.Equal(t, job.CodeTooLarge, job.CodeOf(err))
				}
			}
		})
	}
}
