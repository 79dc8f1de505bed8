package callback_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fairlead/fairlead/internal/callback"
)

var key = []byte(strings.Repeat("k", 32))

func wait(t *rapid.T) callback.Wait {
	return callback.Wait{
		Team: rapid.String().Draw(t, "team"), Run: rapid.String().Draw(t, "run"),
		Step: rapid.String().Draw(t, "step"), Item: rapid.String().Draw(t, "item"),
	}
}

func TestTokenNamesItsWait(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := wait(t)
		token := callback.Sign(key, want)
		require.Equal(t, token, callback.Sign(key, want))
		require.Equal(t, token, url.PathEscape(token))
		got, err := callback.Parse(key, token)
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = callback.Parse([]byte(strings.Repeat("j", 32)), token)
		require.ErrorIs(t, err, callback.ErrForged)
	})
}

func TestDifferentWaitsHaveDifferentTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := wait(t), wait(t)
		require.Equal(t, a == b, callback.Sign(key, a) == callback.Sign(key, b))
	})
}

func TestNoByteOfATokenMayChange(t *testing.T) {
	t.Parallel()
	token := callback.Sign(key, callback.Wait{Team: "default", Run: "run_1", Step: "paid", Item: "é/🙂"})
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			forged := append([]byte{}, raw...)
			forged[i] ^= 1 << bit
			_, err := callback.Parse(key, base64.RawURLEncoding.EncodeToString(forged))
			require.ErrorIs(t, err, callback.ErrForged)
		}
	}
	for i := range token {
		_, err := callback.Parse(key, token[:i])
		require.ErrorIs(t, err, callback.ErrForged)
		_, err = callback.Parse(key, token[:i]+"\n"+token[i:])
		require.ErrorIs(t, err, callback.ErrForged, "a token has one spelling")
	}
	for _, text := range []string{"", "=", token + "=", token + "A", token + token, strings.Repeat("A", 1<<20), "%00"} {
		_, err := callback.Parse(key, text)
		require.ErrorIs(t, err, callback.ErrForged)
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	paid := callback.Wait{Team: "default", Run: "run_01kqfk3vhkf2f8m7x0v1f0yz8r", Step: "paid"}
	for _, base := range []string{"https://jobs.example", "https://jobs.example/"} {
		require.Equal(t, "https://jobs.example/v1/callbacks/"+callback.Sign(key, paid), callback.URL(base, key, paid))
	}
	require.Less(t, len(callback.Sign(key, paid)), 100)
}

func FuzzParse(f *testing.F) {
	f.Add(callback.Sign(key, callback.Wait{Team: "default", Run: "run_1", Step: "paid"}))
	f.Fuzz(func(t *testing.T, token string) {
		if got, err := callback.Parse(key, token); err == nil {
			require.Equal(t, token, callback.Sign(key, got))
		}
	})
}
