package devstack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// makeFolder makes the stack's folder and returns its absolute path: the S3 server changes
// the process's working directory, so nothing may hold a relative one.
func makeFolder(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil { //nolint:gosec // Postgres's own user passes through it; secrets inside are 0600
		return "", fmt.Errorf("folder %s cannot be made: %w", abs, err)
	}
	return abs, nil
}

// portsFile says where the stack that last started on a folder listens: the client's commands read it.
const portsFile = "ports.json"

func (s *Stack) writePorts() error {
	raw, err := json.Marshal(s.options.Ports)
	if err != nil {
		return fmt.Errorf("ports: %w", err)
	}
	path := filepath.Join(s.options.Dir, portsFile)
	if err := writeFile(path, append(raw, '\n')); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // no secret: anyone's client may look there
		return fmt.Errorf("ports: %w", err)
	}
	return nil
}

// removePorts removes what an earlier start wrote: who looks there must not be sent to ports that nothing of this folder serves.
func removePorts(dir string) error {
	if err := os.Remove(filepath.Join(dir, portsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ports of an earlier start: %w", err)
	}
	return nil
}

// secret returns what file name in dir holds, and makes it (mode 0600, random) when it is not there or empty.
func secret(dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path) //nolint:gosec // a name of ours in the stack's folder
	if err == nil && len(raw) > 0 {
		value := strings.TrimSpace(string(raw))
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return "", fmt.Errorf("%s is damaged: put back a copy of it", path)
		}
		return value, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("secret %s: %w", name, err)
	}
	value := strings.ToLower(rand.Text() + rand.Text())
	return value, writeFile(path, []byte(value+"\n"))
}

// writeFile replaces path in one step, readable by its owner only, so that a crash leaves the old or the new content.
func writeFile(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // made 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
