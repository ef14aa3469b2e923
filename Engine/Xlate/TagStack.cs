namespace Mergeflow.Engine.Xlate;

/// <summary>A symbolic VLAN stack of at most two tags, outermost first.</summary>
internal struct TagStack
{
    /// <summary>Tags that a flow has room for (OVS <c>FLOW_MAX_VLAN_HEADERS</c>).</summary>
    public const int MaxCount = 2;

    public int Count;
    public VlanTag Outer;
    public VlanTag Inner;

    /// <summary>Tag <paramref name="index"/> from outside, 0 or 1.</summary>
    public readonly VlanTag this[int index] => index == 0 ? Outer : Inner;
}
