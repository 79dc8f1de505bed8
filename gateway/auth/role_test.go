package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fairlead/fairlead/gateway/auth"
)

func TestRolesReadBack(t *testing.T) {
	t.Parallel()
	for role := auth.Viewer; role <= auth.Admin; role++ {
		require.Equal(t, role, auth.ParseRole(role.String()))
	}
	for _, name := range []string{"", "none", "Admin", "owner"} {
		require.Equal(t, auth.None, auth.ParseRole(name), name)
	}
}

func TestAnUnknownOperationIsNobodys(t *testing.T) {
	t.Parallel()
	_, ok := auth.Needed("deleteEverything")
	require.False(t, ok)
}
