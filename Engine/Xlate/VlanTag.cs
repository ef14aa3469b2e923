namespace Mergeflow.Engine.Xlate;

/// <summary>One tag of a symbolic VLAN stack.</summary>
internal struct VlanTag
{
    /// <summary>Identity: 1 and 2 are the packet's own tags from outside in, higher ones were pushed by actions.</summary>
    public int Id;

    /// <summary>Host order, 0x1000 set.</summary>
    public ushort Tci;

    public ushort Tpid;

    /// <summary>TCI bits that are still the packet's own; only for tags 1 and 2.</summary>
    public ushort LiveTci;

    /// <summary>The TPID is still the packet's own.</summary>
    public readonly bool LiveTpid => Id <= 2;
}
