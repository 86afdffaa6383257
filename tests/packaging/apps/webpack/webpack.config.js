export default {
  entry: { main: "./main.js", slim: "./slim.js" },
  output: { clean: true },
};
