namespace Mergeflow.Engine.OpenFlow;

/// <summary>What an <see cref="XlateOp"/> does.</summary>
internal enum XlateOpKind : byte
{
    Nothing,
    Output,
    OutputRegister,
    OutputTruncated,
    Controller,
    Notify,
    Group,
    Resubmit,
    GotoTable,
    DebugRecirc,
    DebugSlow,
    SetField,
    SetVlan,
    Move,
    StackPush,
    StackPop,
    PushVlan,
    PopVlan,
    PushMpls,
    PopMpls,
    Encap,
    Decap,
    DecTtl,
    DecMplsTtl,
    Ct,
    CtClear,
    Clone,
    Meter,
    WriteActions,
    ClearActions,
    CheckPktLarger,
    Exit,
    Queue,
    PopQueue,
    Enqueue,
    FinTimeout,
    Multipath,
    Bundle,
    Sample,
    Learn,

    /// <summary>A controller action that stops the packet (<c>pause</c>).</summary>
    Pause,

    /// <summary>Only in frozen actions: back to the table the list was in.</summary>
    Unroll,
}
