namespace Mergeflow.Perf;

/// <summary>How full the emulated NIC's tables were at the end.</summary>
/// <param name="ExactMatch">Rules in the exact-match table.</param>
/// <param name="ExactMatchCapacity">Rules that fit.</param>
/// <param name="Templates">Masks in use in the exact-match table.</param>
/// <param name="TemplateCapacity">Masks that fit.</param>
/// <param name="Wildcard">Rows of the wildcard table in use.</param>
/// <param name="WildcardCapacity">Rows that there are.</param>
public sealed record NicOccupancy(int ExactMatch, int ExactMatchCapacity, int Templates, int TemplateCapacity, int Wildcard, int WildcardCapacity);
