package analyzer

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/format/cyclonedxjson"
	"github.com/anchore/syft/syft/format/spdxjson"
	"github.com/anchore/syft/syft/format/syftjson"
	"github.com/anchore/syft/syft/sbom"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// encoders are the forms that an SBOM can be converted to.
var encoders = map[string]func() (sbom.FormatEncoder, error){
	"cyclonedx-json": func() (sbom.FormatEncoder, error) {
		return cyclonedxjson.NewFormatEncoderWithConfig(cyclonedxjson.DefaultEncoderConfig())
	},
	"spdx-json": func() (sbom.FormatEncoder, error) {
		return spdxjson.NewFormatEncoderWithConfig(spdxjson.DefaultEncoderConfig())
	},
}

// Forms are the names of the forms that Convert supports, in order.
func Forms() []string { return slices.Sorted(maps.Keys(encoders)) }

// Convert writes an SBOM in syft's JSON in another form. An unsupported form, or
// another document, is an errkind.Invalid.
func Convert(w io.Writer, document []byte, form string) error {
	encoder, err := encoderOf(form)
	if err != nil {
		return err
	}
	bill, _, _, err := syftjson.NewFormatDecoder().Decode(bytes.NewReader(document))
	if err != nil {
		return fmt.Errorf("read the SBOM: %w: %w", errkind.Invalid, err)
	}
	if err := encoder.Encode(w, *bill); err != nil {
		return fmt.Errorf("write the SBOM as %s: %w", form, err)
	}
	return nil
}

func encoderOf(form string) (sbom.FormatEncoder, error) {
	newEncoder, found := encoders[form]
	if !found {
		return nil, fmt.Errorf("form %q of an SBOM is not one of %s: %w", form, strings.Join(Forms(), ", "), errkind.Invalid)
	}
	encoder, err := newEncoder()
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", form, err)
	}
	return encoder, nil
}
