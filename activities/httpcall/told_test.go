package httpcall_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyWhatIsLiteralOfAURLIsTold(t *testing.T) {
	t.Parallel()
	action := setup(t)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "Cannot GET "+r.RequestURI+" nor "+r.URL.Path)
	})
	for name, test := range map[string]struct {
		template, url, shown string
	}{
		"all literal":        {"/a/b%20c/?x=1", "/a/b%20c/?x=1", "/a/b%20c/"},
		"only the query":     {"/a/b?x=${input.x}&y=/c", "/a/b?x=s3cret-s3cret&y=/c", "/a/b"},
		"the end":            {"/bot/${input.token}", "/bot/s3cret-s3cret", "/bot/…"},
		"the middle":         {"/bot${input.token}/send?x=1", "/bots3cret-s3cret/send?x=1", "/bot…/send"},
		"twice":              {"/${input.a}/of/${'}' + input.b}", "/s3cret-s3cret/of/s3cret", "/…"},
		"escaped":            {"/${input.a}", "/s3cret%2Fs3cret%20s3cret", "/…"},
		"empty":              {"/a/${input.x}", "/a/", "/a/"},
		"braces":             {"/$${a}/${input.x}", "/$%7Ba}/s3cret-s3cret", "/$…"},
		"broken escape":      {"/%${input.x}", "/%20s3cret-s3cret", "…"},
		"nothing of it":      {"\x00", "/services/T/B/s3cret", "…"},
		"nothing, no path":   {"\x00", "", ""},
		"a path that begins": {"${input.x}/sub", "/sub/s3cret-s3cret/sub", "…/sub"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := server + test.template
			if test.template == "\x00" {
				template = "${input.hook}"
			}
			failed, told := failOf(t.Context(), t, action, template, server+test.url, nil)
			require.True(t, strings.HasPrefix(failed.Message, "GET "+server+test.shown+" answered 500"), failed.Message)
			require.Contains(t, told.text(), "url="+server+test.shown+" ")
			if test.template != "/a/b?x=${input.x}&y=/c" { // the server repeats it: a parameter of that name is no secret
				require.NotContains(t, failed.Message, "s3cret-s3cret")
				require.NotContains(t, failed.Message, "T/B/s3cret")
			}
			require.NotContains(t, told.text(), "s3cret")
		})
	}
}

func TestAURLOfUnknownOriginIsNotTold(t *testing.T) {
	t.Parallel()
	server := answering(t, 500, nil, "")
	call := step(t, server, server+"/services/s3cret", nil, &log{})
	call.Template = nil
	_, err := setup(t).Do(t.Context(), call)
	require.ErrorContains(t, err, "GET "+server+"… answered 500")
}

func TestRedirectsOfASecretURL(t *testing.T) {
	t.Parallel()
	action := setup(t)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/once"):
			http.Redirect(w, r, strings.TrimSuffix(r.URL.Path, "/once"), http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/scheme"):
			w.Header().Set("Location", "s3cret-s3cret:x")
			w.WriteHeader(http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/loop"):
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}
	})
	_, err := action.Do(t.Context(), step(t, "${input.hook}", server+"/s3cret-s3cret/once", nil, &log{}))
	require.NoError(t, err)
	for path, want := range map[string]string{
		"/loop": "GET " + server + "… redirected more than 10 times, at last to " + server + "/…",
		// A credential of the step's, repeated by the server.
		"/scheme": "GET " + server + `… redirects to the scheme "***", which can't be followed`,
	} {
		failed, told := failOf(t.Context(), t, action, "${input.hook}", server+"/s3cret-s3cret"+path, map[string]any{
			"auth": map[string]any{"bearer": "s3cret-s3cret"},
		})
		require.Equal(t, want, failed.Message)
		require.NotContains(t, told.text(), "s3cret")
	}
	// What the step's file has literally is hidden, too, where a secret is in it.
	failed, told := fail(t.Context(), t, action, server+"/s3cret-s3cret/loop", map[string]any{"auth": map[string]any{"bearer": "s3cret-s3cret"}})
	require.Equal(t, "GET "+server+"/***/loop redirected more than 10 times, at last to "+server+"/***/loop", failed.Message)
	require.NotContains(t, told.text(), "s3cret")
}

func TestASecretURLThatCannotBeReadIsNotTold(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://ana:s3cret/s3cret@h/", "s3cret:s3cret", "https://h/%s3cret", "https://h:s3cret/"} {
		failed, told := failOf(t.Context(), t, setup(t), "${input.hook}", url, nil)
		require.Equal(t, "invalid_request", failed.Code)
		require.NotContains(t, failed.Message+told.text(), "s3", url)
		require.Contains(t, failed.Message, "absolute")
	}
}

func TestKeysInTheUsersPlaceAndNamesAreNotTold(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		user, _, _ := r.BasicAuth()
		_, _ = io.WriteString(w, "no "+user+" "+r.URL.Query().Get("code"))
	})
	failed, told := failOf(t.Context(), t, setup(t), "${input.hook}?code=${input.code}", server+"?s3cret&code=s3cret-2", map[string]any{
		"auth": map[string]any{"basic": map[string]any{"user": "s3cret-1", "password": ""}}, "query": map[string]any{"page": 2},
	})
	require.Contains(t, failed.Message, "no *** ***")
	require.NotContains(t, told.text(), "s3cret")
	require.Contains(t, told.text(), "query=[code page]")
}
