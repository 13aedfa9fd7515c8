/** What is wrong with a scenario, in words for its author. */
export class ScenarioError extends Error {
  override name = 'ScenarioError';
}
