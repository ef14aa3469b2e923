namespace Mergeflow.Engine.OpenFlow;

/// <summary>Group table modification (OpenFlow <c>OFPGC_*</c>); a bare line is add-or-modify as <c>add-groups</c> reads it.</summary>
public enum GroupModCommand : byte
{
    Add,
    Modify,
    AddOrModify,
    Delete,
}
