namespace Mergeflow.PropertyTests;

/// <summary>A case from a seed.</summary>
internal static class CaseGenerator
{
    /// <param name="seed">Decides everything.</param>
    /// <param name="eventCount">Most events.</param>
    /// <param name="conntrack">Rules may use <c>ct</c>.</param>
    /// <param name="learns">Rules may use <c>learn</c>, <c>bundle</c> and <c>exit</c>.</param>
    /// <param name="checksSequence">See <see cref="FuzzCase.ChecksSequence"/>.</param>
    public static FuzzCase Make(int seed, int eventCount, bool conntrack = true, bool checksSequence = true, bool learns = false)
    {
        var chance = new Chance(seed);
        var rules = new PipelineGenerator(chance, conntrack, learns);
        List<string> flows = rules.Flows();
        var @case = new FuzzCase($"seed{seed}{(conntrack ? "" : "_stateless")}", Domain.Ports, flows, rules.Groups(), []) { ReadsStaged = seed % 2 == 0, ChecksSequence = checksSequence };
        return new TrafficGenerator(chance, rules).Fill(@case, eventCount);
    }
}
