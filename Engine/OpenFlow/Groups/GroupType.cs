namespace Mergeflow.Engine.OpenFlow;

/// <summary>OpenFlow group types (<c>OFPGT_*</c>).</summary>
public enum GroupType : byte
{
    All,
    Select,
    Indirect,
    FastFailover,
}
