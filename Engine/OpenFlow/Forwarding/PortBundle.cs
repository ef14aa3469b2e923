namespace Mergeflow.Engine.OpenFlow;

/// <summary>What <c>normal</c> takes for one port (OVS <c>struct ofbundle</c>): an interface, or the members of a bond. Immutable.</summary>
/// <param name="Name">Name of the port.</param>
/// <param name="Members">OpenFlow numbers of its interfaces, ascending; at least one. Addresses are learned at the first.</param>
public sealed record PortBundle(string Name, IReadOnlyList<uint> Members)
{
    /// <summary>How members share; null for one interface.</summary>
    public BondPlan? Bond { get; init; }

    /// <summary>Nothing goes from one protected port to another (column <c>protected</c>).</summary>
    public bool IsProtected { get; init; }

    /// <summary>Messages of LACP that come by it are for the switch itself.</summary>
    public bool HasLacp { get; init; }

    /// <summary>Number under which addresses of it are learned.</summary>
    public uint Representative => Members[0];
}
