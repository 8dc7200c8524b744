export { codeTool } from "./code-tool.ts";
export { type McpServer, type McpSource, mcpTools } from "./mcp.ts";
export { type ParsedCall, parseToolCalls, type UnreadableCall } from "./parse.ts";
export { defineTool, type Tool, ToolAnswer, type ToolContext, type ToolDefinition, ToolError } from "./tool.ts";
export { ToolBox, type ToolBoxOptions, type ToolCallResult, type ToolResult, toolsPrompt } from "./tool-box.ts";
export { type ToolChoice, toolsetOf } from "./toolset.ts";
