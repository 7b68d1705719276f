{{/* What a container needs to be a worker, or to run the command line: dict root, worker. */}}
{{- define "tagwatch.environment" -}}
{{- $values := .root.Values -}}
{{- $name := include "tagwatch.fullname" .root -}}
envFrom:
  - configMapRef: { name: {{ $name }} }
  {{- with $values.endpoints.existingSecret }}
  # Secrets of endpoints, which refer to them as env:NAME.
  - secretRef: { name: {{ . }}, optional: true }
  {{- end }}
env:
  - name: TAGWATCH_DATABASE_URL
    {{- if $values.postgresql.enabled }}
    valueFrom: { secretKeyRef: { name: {{ include "tagwatch.postgresqlSecret" .root }}, key: database-url } }
    {{- else }}
    valueFrom: { secretKeyRef: { name: {{ $values.database.existingSecret }}, key: {{ $values.database.key }} } }
    {{- end }}
  {{- with $values.temporal.apiKey }}
  {{- if .existingSecret }}
  - name: TEMPORAL_API_KEY
    valueFrom: { secretKeyRef: { name: {{ .existingSecret }}, key: {{ .key }} } }
  {{- end }}
  {{- end }}
  - { name: DOCKER_CONFIG, value: /run/registry }
  {{- with .worker.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "tagwatch.mounts" -}}
{{- $values := .root.Values -}}
volumeMounts:
  - { name: data, mountPath: /var/lib/tagwatch }
  - { name: tmp, mountPath: /tmp }
  - { name: registry, mountPath: /run/registry, readOnly: true }
  {{- if $values.statusPage.existingSecret }}
  - { name: status, mountPath: /run/status, readOnly: true }
  {{- end }}
  {{- if $values.push.enabled }}
  - { name: push, mountPath: /run/push, readOnly: true }
  {{- end }}
  {{- if $values.documents.configMap }}
  - { name: documents, mountPath: /etc/tagwatch/documents, readOnly: true }
  {{- end }}
  {{- if $values.temporal.tls.clientSecret }}
  - { name: temporal-client, mountPath: /run/temporal/client, readOnly: true }
  {{- end }}
  {{- if $values.temporal.tls.caSecret }}
  - { name: temporal-ca, mountPath: /run/temporal/ca, readOnly: true }
  {{- end }}
  {{- with .worker.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "tagwatch.volumes" -}}
{{- $values := .root.Values -}}
volumes:
  # Layers and vulnerability data, which are fetched again if they are missing.
  - name: data
    emptyDir: { sizeLimit: {{ .worker.dataSize }} }
  - name: tmp
    emptyDir: { sizeLimit: {{ .worker.tmpSize }} }
  - name: registry
    {{- if $values.registries.existingSecret }}
    secret:
      secretName: {{ $values.registries.existingSecret }}
      optional: true
      items: [{ key: .dockerconfigjson, path: config.json }]
    {{- else }}
    emptyDir: {}
    {{- end }}
  {{- with $values.statusPage }}
  {{- if .existingSecret }}
  - name: status
    secret: { secretName: {{ .existingSecret }}, items: [{ key: {{ .key }}, path: token }] }
  {{- end }}
  {{- end }}
  {{- if $values.push.enabled }}
  - name: push
    secret: { secretName: {{ $values.push.existingSecret }} }
  {{- end }}
  {{- with $values.documents.configMap }}
  - name: documents
    configMap: { name: {{ . }} }
  {{- end }}
  {{- with $values.temporal.tls.clientSecret }}
  - name: temporal-client
    secret: { secretName: {{ . }}, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] }
  {{- end }}
  {{- with $values.temporal.tls.caSecret }}
  - name: temporal-ca
    secret: { secretName: {{ . }}, items: [{ key: ca.crt, path: ca.crt }] }
  {{- end }}
  {{- with .worker.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* What all pods that run the image share: dict root, worker, token. */}}
{{- define "tagwatch.pod" -}}
serviceAccountName: {{ include "tagwatch.fullname" .root }}
automountServiceAccountToken: {{ .token }}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . }} }
  {{- end }}
{{- end }}
securityContext:
  {{- include "tagwatch.podSecurity" 65532 | nindent 2 }}
{{- with .worker.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .worker.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .worker.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .worker.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* A deployment of workers with its disruption budget and autoscaler: dict root, worker,
     component, and role unless it has all of them. */}}
{{- define "tagwatch.worker" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $worker := .worker -}}
{{- $name := printf "%s-%s" (include "tagwatch.fullname" .root) .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "tagwatch.labels" . | nindent 4 }}
spec:
  {{- if not $worker.autoscaling.enabled }}
  replicas: {{ $worker.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "tagwatch.selector" . | nindent 6 }}
  {{- if $values.versioning.deployment }}
  # All workers of the new version start beside the old ones, which stop after the
  # new ones have been ready for this long: time to make the new version current.
  minReadySeconds: {{ $values.versioning.overlapSeconds }}
  progressDeadlineSeconds: {{ add (mul 2 $values.versioning.overlapSeconds) 600 }}
  {{- end }}
  # The old pods run until the new ones are ready, so that there is always a worker.
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: {{ ternary "100%" 1 (ne $values.versioning.deployment "") }} }
  template:
    metadata:
      labels:
        {{- include "tagwatch.selector" . | nindent 8 }}
        {{- include "tagwatch.version" $root | nindent 8 }}
        {{- with $worker.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        # Changed settings replace the pods.
        checksum/settings: {{ include "tagwatch.settings" $root | sha256sum }}
        {{- if not $values.serviceMonitor.enabled }}
        prometheus.io/scrape: "true"
        prometheus.io/port: "8234"
        {{- end }}
        {{- with $worker.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "tagwatch.pod" (dict "root" $root "worker" $worker "token" (and $values.kubernetesSource.enabled (has .role (list "" "watching")))) | nindent 6 }}
      # Short steps finish within ten seconds; longer ones start again elsewhere.
      terminationGracePeriodSeconds: 40
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "tagwatch.selector" . | nindent 14 }}
      containers:
        - name: worker
          image: {{ include "tagwatch.image" $root | quote }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          ports:
            - { name: http, containerPort: 8234 }
            {{- if and $values.api.enabled (has .role (list "" "api")) }}
            - { name: api, containerPort: 8236 }
            {{- end }}
            {{- if $values.push.enabled }}
            - { name: push, containerPort: 8235 }
            {{- end }}
          {{- $environment := include "tagwatch.environment" . }}
          {{- if .role }}
          {{- $environment = printf "%s\n  - { name: TAGWATCH_SERVE, value: %s }" $environment .role }}
          {{- end }}
          {{- $environment | nindent 10 }}
          startupProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 5
            timeoutSeconds: 6
            failureThreshold: 60 # a migration of a large database takes minutes
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 10
            timeoutSeconds: 6
          livenessProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 20
            timeoutSeconds: 6
            failureThreshold: 6
          resources:
            {{- toYaml $worker.resources | nindent 12 }}
          securityContext:
            {{- include "tagwatch.containerSecurity" . | nindent 12 }}
          {{- include "tagwatch.mounts" . | nindent 10 }}
      {{- include "tagwatch.volumes" . | nindent 6 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "tagwatch.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "tagwatch.selector" . | nindent 6 }}
{{- if $worker.autoscaling.enabled }}
---
# A worker that is removed abandons its analysis, and another starts it again: scale
# down slowly.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "tagwatch.labels" . | nindent 4 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ $name }} }
  minReplicas: {{ $worker.autoscaling.minReplicas }}
  maxReplicas: {{ $worker.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: { name: cpu, target: { type: Utilization, averageUtilization: {{ $worker.autoscaling.cpuPercent }} } }
  behavior:
    scaleDown: { stabilizationWindowSeconds: 1800 }
{{- end }}
{{- end -}}
