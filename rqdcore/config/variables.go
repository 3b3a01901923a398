package config

// Variables of the environment that are not the twins of a key.
const (
	variableConfig = "RQD_CONFIG_FILE"
	variableImages = "OVERRIDE_DOCKER_IMAGES"
	variableCuebot = "CUEBOT_HOSTNAME"
)

// Variable is one row of the documentation of the environment.
type Variable struct {
	Name    string
	Default string
	Meaning string
}

// Variables lists what RQD reads from its environment, beside what its engine client does.
func Variables() []Variable {
	list := []Variable{
		{variableConfig, "`" + DefaultPath + "`", "The configuration file; `-c FILE` wins over it. A file that is named has to exist."},
		{variableCuebot, "`localhost`", "Cuebots, as OVERRIDE_CUEBOT, which wins over it."},
		{variableImages, "not set", "Images as `OS=IMAGE,OS=IMAGE`, instead of `[docker.images]`."},
		{"TMPDIR, TEMP, TMP", "`/tmp`", "Directory whose space is reported when the host has no `/mcp`."},
	}
	for _, o := range options() {
		if o.Environment != "" {
			list = append(list, Variable{o.Environment, "the file's", "Wins over the key of `[" + o.Section + "]`."})
		}
	}
	return list
}
