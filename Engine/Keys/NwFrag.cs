namespace Mergeflow.Engine.Keys;

/// <summary>IP fragment bits (OVS <c>FLOW_NW_FRAG_*</c>): first fragment = Any, later fragment = Any|Later.</summary>
[Flags]
public enum NwFrag : byte
{
    No = 0,
    Any = 1,
    Later = 2,
}
