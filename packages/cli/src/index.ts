export { builtInPlugins } from './built-in-plugins.ts';
export { loadConfig } from './load-config.ts';
export { loadPlugins } from './load-plugins.ts';
export { metricsPage } from './metrics-page.ts';
export { variablesPage } from './variables-page.ts';
