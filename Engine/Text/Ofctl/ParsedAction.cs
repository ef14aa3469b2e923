using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>An action with the word it was written with, for messages about order and nesting.</summary>
internal readonly record struct ParsedAction(OfAction Action, string Name, TextPiece Key);
