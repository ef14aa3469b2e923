namespace Mergeflow.Engine.OpenFlow;

/// <summary>The difference between two versions of the tables: whoever caches translations need not look at all of them.</summary>
/// <param name="From"><see cref="OfPipeline.RulesVersion"/> before.</param>
/// <param name="To">And behind.</param>
/// <param name="Rules">Tables and matches that have a rule now and had none, or have none now, or another one.</param>
internal sealed record RulesChange(ulong From, ulong To, IReadOnlyList<OfRule> Rules);
