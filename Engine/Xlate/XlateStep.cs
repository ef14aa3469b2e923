using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>One line of a traced translation (<c>ofproto/trace</c>).</summary>
/// <param name="Depth">Nesting of resubmits, groups and clones.</param>
/// <param name="Table">Table looked up, or the one the action's rule is in.</param>
/// <param name="Rule">Rule found; null on a miss and for action lines.</param>
/// <param name="Text">What happened; empty on action lines.</param>
/// <param name="Action">Action that is about to run; null on other lines.</param>
public sealed record XlateStep(int Depth, byte Table, OfRule? Rule, string Text, OfAction? Action = null);
