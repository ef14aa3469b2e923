namespace Mergeflow.PropertyTests;

/// <summary>An offload side with one fault.</summary>
internal static class NaiveParts
{
    public static OffloadParts With(NaiveFault fault) => fault switch
    {
        NaiveFault.None => OffloadParts.Standard,
        NaiveFault.IgnoresGenerations => new OffloadParts { Connections = static conns => new TrustingLedger(conns) },
        NaiveFault.LosesFinalCounters => new OffloadParts { Provider = static provider => new ForgetfulProvider(provider) },
        _ => new OffloadParts { Merger = source => new NaiveMerge(source, fault) },
    };
}
