package lab

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"path"
)

// Jar is a Maven artifact.
type Jar struct {
	Group    string
	Artifact string
	Version  string
	License  string // Apache-2.0 when empty
}

// Java is a directory with these jars.
func Java(dir string, jars ...Jar) Part {
	return func(r *recipe) error {
		var files []File
		for _, j := range jars {
			archive, err := j.archive()
			if err != nil {
				return err
			}
			files = append(files, File{Path: path.Join(dir, fmt.Sprintf("%s-%s.jar", j.Artifact, j.Version)), Data: archive})
		}
		return r.add(copyTo(dir), files...)
	}
}

// archive is a jar as Maven builds it: a manifest, and the description of the
// project, by which scanners identify it.
func (j Jar) archive() ([]byte, error) {
	maven := fmt.Sprintf("META-INF/maven/%s/%s/", j.Group, j.Artifact)
	entries := []struct{ name, content string }{
		{"META-INF/MANIFEST.MF", fmt.Sprintf("Manifest-Version: 1.0\r\nImplementation-Title: %s\r\n"+
			"Implementation-Version: %s\r\nImplementation-Vendor-Id: %s\r\n\r\n", j.Artifact, j.Version, j.Group)},
		{maven + "pom.properties", fmt.Sprintf("groupId=%s\nartifactId=%s\nversion=%s\n", j.Group, j.Artifact, j.Version)},
		{maven + "pom.xml", j.project()},
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, entry := range entries {
		file, err := w.CreateHeader(&zip.FileHeader{Name: entry.name, Method: zip.Deflate, Modified: epoch})
		if err == nil {
			_, err = file.Write([]byte(entry.content))
		}
		if err != nil {
			return nil, fmt.Errorf("jar %s: %w", j.Artifact, err)
		}
	}
	err := w.Close()
	return archive.Bytes(), err
}

func (j Jar) project() string {
	return fmt.Sprintf(`<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>%s</groupId>
  <artifactId>%s</artifactId>
  <version>%s</version>
  <licenses><license><name>%s</name></license></licenses>
</project>
`, j.Group, j.Artifact, j.Version, cmp.Or(j.License, "Apache-2.0"))
}
