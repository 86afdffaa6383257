// Written by `make schema` from the types in src/event.rs: change those.

/**
 * Every event that can ever be sent, and every field of it: a fresh copy at each call. A module of its own, so
 * that an app which does not import it does not carry it.
 */
export const describe = () => ({
  envelope: [
    {
      name: "event",
      type: "string",
      required: true,
      description: "Which of the events it is.",
      purpose: "The fields depend on it.",
      example: "run",
    },
    {
      name: "session",
      type: "string",
      required: true,
      description: "Random per page load: 12 characters of `0-9a-z`. Never stored but with unsent events.",
      purpose: "Counts once what was sent twice; joins nothing across visits.",
      example: "k3f9x2ab7c1d",
    },
    {
      name: "seq",
      type: "integer",
      required: true,
      description: "The event's number in its session. `(session, seq)` is its key.",
      purpose: "Counts once what was sent twice; a gap shows a loss.",
      example: 17,
    },
    {
      name: "time",
      type: "integer",
      required: true,
      description: "When the event happened: Unix milliseconds.",
      purpose: "The order of events and their days, however late they were sent.",
      example: 1763834701123,
    },
    {
      name: "clientType",
      type: "string",
      required: true,
      description: "Who reports: `browser`, unless the page says otherwise.",
      purpose: "Keeps a run that both sides report from being counted twice.",
      example: "browser",
    },
    {
      name: "sampleRate",
      type: "number",
      required: false,
      description:
        "The share of page loads that report, where it is below 1: each event stands for `1 / sampleRate`.",
      purpose: "Scales counts up where only a share of page loads reports.",
      example: 0.1,
    },
  ],
  events: [
    {
      event: "run",
      description: "A flow run.",
      fields: [
        {
          name: "isWebhook",
          type: "boolean",
          required: false,
          description: "Whether the run was triggered by a webhook.",
          purpose: "Tells runs that a webhook triggered from those of a person.",
          example: true,
        },
        {
          name: "seconds",
          type: "number",
          required: true,
          description: "How long the run lasted, in seconds, to the millisecond.",
          purpose: "Insight into performance.",
          example: 2.4,
        },
        {
          name: "success",
          type: "boolean",
          required: true,
          description: "Whether the run was successful.",
          purpose: "Helps to find errors and issues.",
          example: false,
        },
        {
          name: "errorMessage",
          type: "string",
          required: false,
          description: "What went wrong, where the run was not successful: scrubbed, at most 512 bytes.",
          purpose: "Troubleshooting and enhancements.",
          example: "ValueError: no such model: <path>",
        },
      ],
    },
    {
      event: "shutdown",
      description: "The end of a page's life.",
      fields: [
        {
          name: "timeRunning",
          type: "number",
          required: true,
          description: "How long the page was open, in seconds, to the millisecond.",
          purpose: "Shows how long a page is used, to improve uptime.",
          example: 1834.207,
        },
      ],
    },
    {
      event: "version",
      description: "What is running: sent once a page load. Each field is left out where it is not known.",
      fields: [
        {
          name: "package",
          type: "string",
          required: false,
          description: "The package in use, such as `langflow`.",
          purpose: "Tells Langflow's own package from those built on it.",
          example: "langflow",
        },
        {
          name: "version",
          type: "string",
          required: false,
          description: "The version of that package.",
          purpose: "Tracks the adoption of features, and compatibility.",
          example: "1.13.0",
        },
        {
          name: "platform",
          type: "string",
          required: false,
          description:
            "The operating system of the browser: `Windows`, `macOS`, `Linux`, `Android`, `iOS`, `Chrome OS` or `BSD`.",
          purpose: "Shows which platforms to support first.",
          example: "Linux",
        },
        {
          name: "python",
          type: "string",
          required: false,
          description: "The version of Python behind the page, as the host page was told it.",
          purpose: "Keeps Langflow compatible with the Pythons in use.",
          example: "3.12",
        },
        {
          name: "arch",
          type: "string",
          required: false,
          description:
            "The processor architecture, where the browser tells it: `x86_64`, `x86`, `arm64` or `arm`.",
          purpose: "Shows which hardware to optimize for.",
          example: "x86_64",
        },
        {
          name: "autoLogin",
          type: "boolean",
          required: false,
          description: "Whether auto-login is enabled.",
          purpose: "Shows which setting people prefer.",
          example: true,
        },
        {
          name: "cacheType",
          type: "string",
          required: false,
          description: "The kind of cache in use.",
          purpose: "Caching affects performance and efficiency.",
          example: "memory",
        },
        {
          name: "backendOnly",
          type: "boolean",
          required: false,
          description: "Whether Langflow runs without its frontend.",
          purpose: "Shows how Langflow is deployed.",
          example: false,
        },
      ],
    },
    {
      event: "playground",
      description: "A run in the playground.",
      fields: [
        {
          name: "seconds",
          type: "number",
          required: true,
          description: "How long the run lasted, in seconds, to the millisecond.",
          purpose: "Insight into performance while flows are tried out.",
          example: 2.4,
        },
        {
          name: "componentCount",
          type: "integer",
          required: false,
          description: "How many components the flow has.",
          purpose: "Shows how complex flows are.",
          example: 5,
        },
        {
          name: "success",
          type: "boolean",
          required: true,
          description: "Whether the run was successful.",
          purpose: "Shows how stable experimental features are.",
          example: false,
        },
        {
          name: "errorMessage",
          type: "string",
          required: false,
          description: "What went wrong, where the run was not successful: scrubbed, at most 512 bytes.",
          purpose: "Troubleshooting and enhancements.",
          example: "TimeoutError: no answer within 30 s",
        },
      ],
    },
    {
      event: "component",
      description: "One component's execution.",
      fields: [
        {
          name: "name",
          type: "string",
          required: true,
          description:
            "The component's type name, such as `ChatInput`, never a person's own title; `custom` where it does not look like a name.",
          purpose: "Shows which components are used most, or fail most.",
          example: "ChatInput",
        },
        {
          name: "seconds",
          type: "number",
          required: true,
          description: "How long the execution lasted, in seconds, to the millisecond.",
          purpose: "Insight into performance.",
          example: 0.42,
        },
        {
          name: "success",
          type: "boolean",
          required: true,
          description: "Whether the component was successful.",
          purpose: "Quality control.",
          example: false,
        },
        {
          name: "errorMessage",
          type: "string",
          required: false,
          description:
            "What went wrong, where the component was not successful: scrubbed, at most 512 bytes.",
          purpose: "Debugging and improvement.",
          example: "KeyError: 'text' at chat.py:42",
        },
      ],
    },
  ],
});
