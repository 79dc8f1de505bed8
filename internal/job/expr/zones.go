package expr

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// zoneData is the time zone database: lib/time/zoneinfo.zip of Go 1.26. Every
// machine has to know the same zones; what time.LoadLocation finds is the machine's
// own first, and time/tzdata can't be asked alone.
//
//go:embed zoneinfo.zip
var zoneData []byte

// zoneFiles are the zones by name.
var zoneFiles = sync.OnceValues(func() (map[string]*zip.File, error) {
	archive, err := zip.NewReader(bytes.NewReader(zoneData), int64(len(zoneData)))
	if err != nil {
		return nil, fmt.Errorf("the time zone database: %w", err)
	}
	files := make(map[string]*zip.File, len(archive.File))
	for _, file := range archive.File {
		if !file.FileInfo().IsDir() {
			files[file.Name] = file
		}
	}
	return files, nil
})

var (
	errNoZone  = errors.New("no such time zone")
	zoneOffset = regexp.MustCompile(`^([+-])([01]\d|2[0-3]):([0-5]\d)$`)
)

// loadZone is the zone of a name, 'Europe/Paris', or of an offset, '+02:00'. It
// is the only way that an expression comes to a zone.
func loadZone(name string) (*time.Location, error) {
	if m := zoneOffset.FindStringSubmatch(name); m != nil {
		hours, _ := strconv.Atoi(m[2])
		minutes, _ := strconv.Atoi(m[3])
		seconds := hours*int(time.Hour/time.Second) + minutes*int(time.Minute/time.Second)
		if m[1] == "-" {
			seconds = -seconds
		}
		return time.FixedZone(name, seconds), nil
	}
	files, err := zoneFiles()
	if err != nil {
		return nil, err
	}
	file, ok := files[name]
	if !ok {
		return nil, errNoZone
	}
	opened, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("the time zone %s: %w", name, err)
	}
	data, err := io.ReadAll(opened)
	if err = errors.Join(err, opened.Close()); err != nil {
		return nil, fmt.Errorf("the time zone %s: %w", name, err)
	}
	location, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("the time zone %s: %w", name, err)
	}
	return location, nil
}
