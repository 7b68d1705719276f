{{/* The variables that all workers share. */}}
{{- define "tagwatch.settings" -}}
{{- $settings := dict "TAGWATCH_LOG_FORMAT" "json" -}}
{{- if .Values.ingress.enabled -}}
{{- $_ := set $settings "TAGWATCH_PUBLIC_URL" (printf "https://%s" .Values.ingress.host) -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- $_ := set $settings $name (kindIs "float64" $value | ternary ($value | toString | float64 | int64) $value | toString) -}}
{{- end -}}
{{- if .Values.temporalServer.enabled -}}
{{- $_ := set $settings "TEMPORAL_ADDRESS" (printf "%s-temporal:7233" (include "tagwatch.fullname" .)) -}}
{{- $_ := set $settings "TEMPORAL_NAMESPACE" "default" -}}
{{- else -}}
{{- with .Values.temporal -}}
{{- $_ := set $settings "TEMPORAL_ADDRESS" .address -}}
{{- $_ := set $settings "TEMPORAL_NAMESPACE" .namespace -}}
{{- if .tls.enabled }}{{ $_ := set $settings "TEMPORAL_TLS" "true" }}{{ end -}}
{{- if .tls.serverName }}{{ $_ := set $settings "TEMPORAL_TLS_SERVER_NAME" .tls.serverName }}{{ end -}}
{{- if .tls.caSecret }}{{ $_ := set $settings "TEMPORAL_TLS_SERVER_CA_CERT_PATH" "/run/temporal/ca/ca.crt" }}{{ end -}}
{{- if .tls.clientSecret -}}
{{- $_ := set $settings "TEMPORAL_TLS_CLIENT_CERT_PATH" "/run/temporal/client/tls.crt" -}}
{{- $_ := set $settings "TEMPORAL_TLS_CLIENT_KEY_PATH" "/run/temporal/client/tls.key" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.statusPage.existingSecret }}{{ $_ := set $settings "TAGWATCH_STATUS_TOKEN" "file:/run/status/token" }}{{ end -}}
{{- if .Values.api.enabled }}{{ $_ := set $settings "TAGWATCH_API_LISTEN" "0.0.0.0:8236" }}{{ end -}}
{{- if .Values.push.enabled -}}
{{- $_ := set $settings "TAGWATCH_PUSH_ADDRESS" "0.0.0.0:8235" -}}
{{- $_ := set $settings "TAGWATCH_PUSH_SOURCES" "/run/push/push.yaml" -}}
{{- end -}}
{{- with .Values.documents -}}
{{- if .configMap -}}
{{- $_ := set $settings "TAGWATCH_CONFIG_DIR" "/etc/tagwatch/documents" -}}
{{- if .owner }}{{ $_ := set $settings "TAGWATCH_CONFIG_OWNER" .owner }}{{ end -}}
{{- if .prune }}{{ $_ := set $settings "TAGWATCH_CONFIG_PRUNE" "true" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if .Values.versioning.deployment }}{{ $_ := set $settings "TAGWATCH_DEPLOYMENT" .Values.versioning.deployment }}{{ end -}}
{{- toYaml $settings -}}
{{- end -}}
