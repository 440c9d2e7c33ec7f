{{- /* The pod of a part of the server: (list . "receiver") */}}
{{- define "tovi.pod" -}}
{{- $ := index . 0 -}}
{{- $part := index . 1 -}}
{{- $own := index $.Values $part -}}
{{- $isReceiver := eq $part "receiver" -}}
{{- $drain := dig "server" "drain" "10s" $.Values.settings -}}
metadata:
  labels: {{- include "tovi.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ include (print $.Template.BasePath "/config.yaml") $ | sha256sum }}
    {{- with $own.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "tovi.name" $ }}-{{ $part }}
  automountServiceAccountToken: {{ not $isReceiver }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add (include "tovi.seconds" $drain) 35 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ $.Values.uid }}
    runAsGroup: {{ $.Values.gid }}
    {{- if $.Values.data.fsGroup }}
    fsGroup: {{ $.Values.gid }}
    fsGroupChangePolicy: OnRootMismatch
    {{- end }}
    seccompProfile: {type: RuntimeDefault}
  {{- with $.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $.Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $.Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "tovi.selector" . | nindent 8 }}
  initContainers:
  {{- if $isReceiver }}
  - name: keys  # a mounted Secret is root's, and only with an fsGroup, which not every volume bears, given to the server
    {{- include "tovi.container" $ | nindent 4 }}
    command: [sh, -ec, "umask 077; cp -f /secret/ssh_host_*_key /run/tovi/host-keys/"]
    resources: {{- toYaml $own.resources | nindent 6 }}
    volumeMounts:
    - {name: host-keys-secret, mountPath: /secret, readOnly: true}
    - {name: host-keys, mountPath: /run/tovi/host-keys}
  {{- end }}
  - name: init
    {{- include "tovi.container" $ | nindent 4 }}
    command: [tovi-server, init, --if-needed, --data, /var/lib/tovi, --config, /etc/tovi/tovi.toml, --admin, {{ $.Values.admin.name | quote }}, --key, /etc/tovi/admin.pub]
    env: {{- include "tovi.env" $ | nindent 4 }}
    resources: {{- toYaml $own.resources | nindent 6 }}
    volumeMounts: {{- include "tovi.mounts" $ | nindent 4 }}
  containers:
  - name: {{ $part }}
    {{- include "tovi.container" $ | nindent 4 }}
    command: [tovi-server, serve, --data, /var/lib/tovi, --config, /etc/tovi/tovi.toml]
    env:
    {{- include "tovi.env" $ | nindent 4 }}
    - {name: TOVI_SERVER__SERVER__ROLE, value: {{ $part }}}
    ports:
    {{- if $isReceiver }}
    - {name: ssh, containerPort: 2222}
    {{- end }}
    - {name: health, containerPort: {{ $.Values.health.port }}}
    startupProbe:
      httpGet: {path: /live, port: health}
      periodSeconds: 2
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /live, port: health}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /ready, port: health}
      periodSeconds: 2
      timeoutSeconds: 5
    {{- if $isReceiver }}
    lifecycle:  # nobody is sent here any more when it begins to refuse
      preStop: {exec: {command: [sleep, "5"]}}
    {{- end }}
    resources: {{- toYaml $own.resources | nindent 6 }}
    volumeMounts:
    {{- include "tovi.mounts" $ | nindent 4 }}
    {{- if $isReceiver }}
    - {name: host-keys, mountPath: /run/tovi/host-keys, readOnly: true}
    {{- end }}
  volumes:
  - name: data
    persistentVolumeClaim: {claimName: {{ include "tovi.serverClaim" $ }}}
  - name: config
    configMap: {name: {{ include "tovi.name" $ }}}
  {{- if $isReceiver }}
  - name: host-keys-secret
    secret: {secretName: {{ include "tovi.hostKeys" $ }}, defaultMode: 0444}
  - name: host-keys
    emptyDir: {medium: Memory, sizeLimit: 1Mi}
  {{- end }}
  - name: tmp
    emptyDir: {}
{{- end }}

{{- define "tovi.container" -}}
image: {{ include "tovi.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "tovi.env" -}}
- name: TOVI_SERVER__DATABASE__URL
  valueFrom:
    secretKeyRef: {{- include "tovi.databaseSecret" . | nindent 6 }}
{{- end }}

{{- define "tovi.mounts" -}}
- name: data
  mountPath: /var/lib/tovi
  {{- with .Values.data.path }}
  subPath: {{ . }}
  {{- end }}
- {name: config, mountPath: /etc/tovi, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- /* A length of time of tovi.toml, such as 90s or 1h30m, in seconds. */}}
{{- define "tovi.seconds" -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[dhms]" . -1 -}}
{{- $seconds = add $seconds (mul (trimSuffix (regexFind "[dhms]" .) . | int) (get (dict "d" 86400 "h" 3600 "m" 60 "s" 1) (regexFind "[dhms]" .))) -}}
{{- end -}}
{{- $seconds -}}
{{- end }}
