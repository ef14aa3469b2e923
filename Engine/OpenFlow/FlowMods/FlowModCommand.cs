namespace Mergeflow.Engine.OpenFlow;

/// <summary>Flow table modification (OpenFlow <c>OFPFC_*</c>).</summary>
public enum FlowModCommand : byte
{
    Add,
    Modify,
    ModifyStrict,
    Delete,
    DeleteStrict,
}
