using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Upcall;

/// <summary>What became of a miss, for who looks for a fault.</summary>
/// <param name="Key">Of the packet.</param>
/// <param name="Mask">Of the megaflow.</param>
/// <param name="Actions">Its program.</param>
public sealed record MissReport(FlowKey Key, FlowKey Mask, DpAction[] Actions);
