namespace Mergeflow.Engine.OpenFlow;

/// <summary>What rules see of fragments (<c>OFPC_FRAG_*</c>).</summary>
public enum FragmentHandling
{
    /// <summary>No transport ports, in the first fragment neither.</summary>
    Normal,

    /// <summary>Nothing: fragments are dropped.</summary>
    Drop,

    /// <summary>Whole datagrams; not supported.</summary>
    Reassemble,

    /// <summary>What is there, and that it is a fragment (<c>OFPC_FRAG_NX_MATCH</c>).</summary>
    NiciraMatch,
}

/// <summary>What becomes of packets that no rule decides about.</summary>
/// <param name="Fragments">What rules see of fragments.</param>
/// <param name="TellsMisses">A packet that no rule of a table matches is for controllers (OpenFlow before 1.3).</param>
/// <param name="StandsAlone">Table 0 is not asked: packets are forwarded by learned addresses, as no controller is there (OVS fail mode standalone).</param>
/// <param name="Misses">Tables that have their own; null = none.</param>
public readonly record struct PacketTreatment(FragmentHandling Fragments, bool TellsMisses, bool StandsAlone, TableMisses? Misses = null)
{
    /// <summary>What table 0 answers while it is not asked.</summary>
    internal static OfRule Alone { get; } = MakeAlone();

    private static OfRule MakeAlone()
    {
        EquatableList<OfAction> actions = new([new OfOutputSpecial(OfReservedPort.Normal)]);
        return new OfRule(default) { Table = 0, Priority = ushort.MaxValue, Cookie = 0, Actions = actions, Program = XlateCompiler.Compile(actions), Stats = new OfRuleStats(isShared: true) };
    }
}
