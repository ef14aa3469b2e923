namespace Mergeflow.Engine.Offload;

/// <summary>Why a flow is, or is not, in the device.</summary>
/// <param name="Live">Rules that match it now.</param>
/// <param name="Dead">Rules that matched it and are gone, with the reason.</param>
/// <param name="Refusals">Why its packets were not offloaded, latest first.</param>
public sealed record OffloadExplanation(IReadOnlyList<MergedFlow> Live, IReadOnlyList<MergedFlow> Dead, IReadOnlyList<Refusal> Refusals);
