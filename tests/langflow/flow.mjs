/** A flow, what Langflow's backend says while it builds it, and what a person does with it in the page. */

/** What must not be in any request: a flow's name and id, a node's id and title, what a person typed, an error's text. */
const FLOW = { id: "5f1b7c9e-2f0a-4a53-9d0c-8a8f3d0c1b2a", name: "Payroll of Erika Mustermann" };
const TITLE = "Erika's secret prompt";
export const TYPED = "my password is hunter2";
export const RAW = "ValueError: could not parse 'my password is hunter2' in /home/erika/flows";
export const FORBIDDEN = [
  FLOW.id,
  "Payroll",
  "Erika",
  "erika",
  "hunter2",
  "could not parse",
  "-Ab3dE",
  "-Xy9Zk",
];

export const node = (id, type, node = {}) => ({ id, data: { type, node: { display_name: TITLE, ...node } } });

const NODES = [
  node("ChatInput-Ab3dE", "ChatInput"),
  node("Prompt-Xy9Zk", "Prompt"),
  node("OpenAIModel-Qq1Ww", "OpenAIModel"),
  node("ChatOutput-Zz0Aa", "ChatOutput"),
];
const SHIPPED = ["ChatInput", "Prompt", "OpenAIModel", "ChatOutput", "Router"];

// The events of a build, as Langflow's backend sends them.
export const sorted = (...ids) => ({ event: "vertices_sorted", data: { ids, to_run: ids } });
export const built = (id, timedelta, next = [], more = {}) => ({
  event: "end_vertex",
  data: {
    build_data: {
      id,
      valid: true,
      data: { timedelta, outputs: { text: { message: TYPED } }, ...more.data },
      next_vertices_ids: next,
      inactivated_vertices: more.inactivated ?? null,
      ...("valid" in more && { valid: more.valid }),
    },
  },
});
export const failed = (id, timedelta, errorMessage = RAW) =>
  built(id, timedelta, [], {
    valid: false,
    data: { outputs: { text: { message: { errorMessage, stackTrace: RAW } } } },
  });
export const said = (text) => ({ event: "add_message", data: { text } });
export const ended = { event: "end", data: {} };

/** Four vertices in no time; each is shown for 300 ms. */
export const WELL = [
  sorted("ChatInput-Ab3dE"),
  said(TYPED),
  built("ChatInput-Ab3dE", 0.0042, ["Prompt-Xy9Zk"]),
  built("Prompt-Xy9Zk", 0.0301, ["OpenAIModel-Qq1Ww"]),
  built("OpenAIModel-Qq1Ww", 1.25, ["ChatOutput-Zz0Aa"]),
  built("ChatOutput-Zz0Aa", 0.001),
  ended,
];
/** Langflow in a new tab of `context`, with the flow on its canvas. */
export async function openFlow(context, origin) {
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate(
    ([nodes, shipped, currentFlow]) => {
      window.langflow.useTypesStore.getState().setTypes(shipped);
      window.langflow.useFlowStore.getState().setNodes(nodes);
      window.langflow.useFlowStore.setState({ currentFlow });
    },
    [NODES, SHIPPED, FLOW],
  );
  return page;
}

/** Runs the flow to its end, and says how long the UI took, in ms, and what it showed. */
export const build = (page, params = {}) =>
  page.evaluate(async (params) => {
    const { useFlowStore } = window.langflow;
    const began = performance.now();
    const threw = await useFlowStore
      .getState()
      .buildFlow(params)
      .catch((error) => error.message);
    return { took: performance.now() - began, threw, ...useFlowStore.getState().buildInfo };
  }, params);

export const consented = (page) => page.waitForFunction(() => window.langflow.stats().state === "on");
