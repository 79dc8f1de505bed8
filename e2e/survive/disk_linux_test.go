package survive_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallDisk is a folder on a disk of its own with so many megabytes.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk takes root: run this test as root")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=755", megabytes))
	require.NoError(t, err, "mount a small disk")
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// fill takes all space that is left on a disk, and returns what frees it.
func fill(t *testing.T, disk string) (free func()) {
	t.Helper()
	path := filepath.Join(disk, "fill")
	file, err := os.Create(path)
	require.NoError(t, err)
	block := make([]byte, 1<<20)
	for size := len(block); size >= 512; {
		if _, err := file.Write(block[:size]); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			size /= 2
		}
	}
	require.NoError(t, file.Close())
	return func() { require.NoError(t, os.Remove(path)) }
}

// What is acknowledged on a full disk is kept, everything else is refused so that it can be
// sent again; with space the stack goes on by itself, its killed Postgres included.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const submits = 60
	target, disk := newTarget(t), smallDisk(t, 220)
	p := newProcess(t, filepath.Join(disk, "stack"))
	p.start()
	p.publish(chain(target.URL, steps(1)))
	p.succeeds(p.accept("before"))

	free := fill(t, disk)
	pad := `{"pad":"` + strings.Repeat("x", 20_000) + `"}`
	acknowledged, refused := p.submitAll(submits, pad)
	require.NotEmpty(t, refused, "the disk was never full")
	require.NoError(t, syscall.Kill(p.postgres(), syscall.SIGKILL))
	p.says("starting it again")
	free()
	p.healthy()
	for key, run := range acknowledged {
		p.succeeds(run)
		require.Equal(t, run, p.again(key, pad), "the acknowledged run is still that of its key")
	}
	for _, key := range refused {
		p.succeeds(p.again(key, pad))
	}
	require.Equal(t, 1+submits, target.distinct("s1"), "every run has called, under one token")
}

// submitAll submits once under each of n keys: to some a run is acknowledged, the others are
// refused so that they can be sent again.
func (p *process) submitAll(n int, input string) (acknowledged map[string]string, refused []string) {
	p.t.Helper()
	acknowledged = map[string]string{}
	for i := range n {
		key := fmt.Sprintf("full%d", i)
		got, err := p.submit(key, input)
		require.NoError(p.t, err)
		if run, ok := got.accepted(); ok {
			acknowledged[key] = run
			continue
		}
		require.Equal(p.t, http.StatusServiceUnavailable, got.status, "%s", got.body)
		require.Contains(p.t, got.header.Get("Content-Type"), "application/problem+json")
		require.NotEmpty(p.t, got.header.Get("Retry-After"))
		refused = append(refused, key)
	}
	return acknowledged, refused
}

func TestFullDiskAtStart(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 8)
	p := newProcess(t, filepath.Join(disk, "stack"))
	p.launch()
	require.Equal(t, 1, p.end())
	require.Contains(t, p.said.String(), "disk full: free some space")
	require.Contains(t, p.said.String(), p.dir)
}

func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 8)
	require.NoError(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	p := newProcess(t, filepath.Join(disk, "stack"))
	p.launch()
	require.Equal(t, 1, p.end())
	require.Contains(t, p.said.String(), "read-only file system")
	require.Contains(t, p.said.String(), "choose another with --dir")
}
