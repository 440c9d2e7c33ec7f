{{- define "tovi.name" -}}
{{- if contains "tovi" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-tovi" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "tovi.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* What tells the pods of a part: (list . "receiver") */}}
{{- define "tovi.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: tovi
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "tovi.labels" -}}
{{- $ := index . 0 -}}
{{ include "tovi.selector" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version }}
{{- end }}

{{- /* The pods of tasks are the executor's, which labels them so. */}}
{{- define "tovi.tasksSelector" -}}
app.kubernetes.io/managed-by: tovi
{{- end }}

{{- define "tovi.sameNamespace" -}}
{{- if eq .Values.tasks.namespace .Release.Namespace }}yes{{ end }}
{{- end }}

{{- /* Names of cluster-wide things say whose they are. */}}
{{- define "tovi.clusterName" -}}
{{ .Release.Namespace }}-{{ include "tovi.name" . }}
{{- end }}

{{- define "tovi.serverClaim" -}}
{{ .Values.data.server.existingClaim | default (printf "%s-data" (include "tovi.name" .)) }}
{{- end }}

{{- define "tovi.tasksClaim" -}}
{{- if include "tovi.sameNamespace" . -}}
{{ include "tovi.serverClaim" . }}
{{- else -}}
{{ .Values.data.tasks.existingClaim | default (printf "%s-data" (include "tovi.name" .)) }}
{{- end }}
{{- end }}

{{- define "tovi.hostKeys" -}}
{{ .Values.hostKeys.existingSecret | default (printf "%s-host-keys" (include "tovi.name" .)) }}
{{- end }}

{{- define "tovi.bundled" -}}
{{ include "tovi.name" . }}-postgresql
{{- end }}

{{- define "tovi.databaseSecret" -}}
{{- if .Values.postgresql.bundled.enabled -}}
name: {{ include "tovi.bundled" . }}
key: url
{{- else -}}
name: {{ required "database.existingSecret: name a Secret in the release's namespace with the URL of a PostgreSQL database, or set postgresql.bundled.enabled=true to try Tovi out" .Values.database.existingSecret }}
key: {{ .Values.database.existingSecretKey }}
{{- end }}
{{- end }}

{{- /* What the chart knows better than who writes `settings`. */}}
{{- define "tovi.knownSettings" -}}
server:
  name: {{ .Values.host | default .Release.Name | quote }}
  port: {{ if and (eq .Values.service.type "NodePort") .Values.service.nodePort }}{{ .Values.service.nodePort }}{{ else }}{{ .Values.service.port }}{{ end }}
  listen: ["0.0.0.0:2222"]
  host_keys: /run/tovi/host-keys
  health: "0.0.0.0:{{ .Values.health.port }}"
{{- if .Values.policy }}
scheduler:
  policy: /etc/tovi/policy.toml
{{- end }}
executor:
  kind: kubernetes
  kubernetes:
    namespace: {{ .Values.tasks.namespace | quote }}
    claim: {{ include "tovi.tasksClaim" . | quote }}
    claim_path: {{ .Values.data.path | quote }}
{{- end }}

{{- define "tovi.binding" -}}
{{- dig "executor" "kubernetes" "binding" "tovi" .Values.settings -}}
{{- end }}
