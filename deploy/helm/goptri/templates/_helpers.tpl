{{/* The first part of every name: that of the release, which is `goptri` if you do as docs/kubernetes.md says. */}}
{{- define "goptri.name" -}}
{{- if contains "goptri" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-goptri{{ end }}
{{- end }}

{{/* The labels of every object. */}}
{{- define "goptri.labels" -}}
app.kubernetes.io/name: goptri
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* The labels that select the pods of a component. The argument is a list: the root, and the component's name. */}}
{{- define "goptri.selector" -}}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The labels of a component's pods. Without the version, so that a new chart with the same image replaces no pod. */}}
{{- define "goptri.podLabels" -}}
app.kubernetes.io/name: goptri
{{ include "goptri.selector" . }}
{{- end }}

{{- define "goptri.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.image.repository }}/{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{/* What the pods of both servers and of the migration have in common. */}}
{{- define "goptri.pod" -}}
automountServiceAccountToken: false
# No variables such as GOPTRI_AUTH_SERVER_PORT.
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "goptri.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "goptri.probes" -}}
livenessProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
# Answers within 2 s.
readinessProbe:
  httpGet:
    path: /readyz
    port: http
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{/* The names of the secrets that a component gets: variable, value, and name of the file. */}}
{{- define "goptri.secretsOf" -}}
{{- $secrets := (index . 0).Values.secrets -}}
- { variable: ACCESS_TOKEN_SECRET, file: access-token-secret, of: {{ $secrets.accessToken | toJson }} }
- { variable: FEED_SECRET, file: feed-secret, of: {{ $secrets.feed | toJson }} }
{{- if eq (index . 1) "auth-server" }}
- { variable: REFRESH_TOKEN_SECRET, file: refresh-token-secret, of: {{ $secrets.refreshToken | toJson }} }
- { variable: DATABASE_URL, file: database-url, of: {{ $secrets.database | toJson }} }
{{- end }}
{{- end }}

{{- define "goptri.secretEnv" -}}
{{- $files := eq (index . 0).Values.secrets.from "files" }}
{{- range include "goptri.secretsOf" . | fromYamlArray }}
{{- if $files }}
- name: {{ .variable }}_FILE
  value: /secrets/{{ .file }}
{{- else }}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .of.name }}
      key: {{ .of.key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "goptri.secretVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range include "goptri.secretsOf" . | fromYamlArray }}
      - secret:
          name: {{ .of.name }}
          items:
            - key: {{ .of.key }}
              path: {{ .file }}
      {{- end }}
      {{- if eq (index . 1) "auth-server" }}
      {{- with (index . 0).Values.secrets.signingKeys }}
      - secret:
          name: {{ .name }}
          optional: true
          items:
            - key: {{ .key }}
              path: keys.pem
      {{- end }}
      {{- end }}
{{- end }}

{{/* The routes of auth-server on the host; all others are those of the API. */}}
{{- define "goptri.authPaths" -}}
- /login
- /token
- /logout
- /sign-in
- /sign-out
- /signed-out
- /register
- /users
- /sessions
- /password
- /account
- /authorize
- /consent
- /revoke
- /par
- /inspect
- /assets
- /.well-known/oauth-authorization-server
- /.well-known/jwks.json
{{- end }}
