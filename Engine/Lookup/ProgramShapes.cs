using Mergeflow.Engine.Actions;

namespace Mergeflow.Engine.Lookup;

/// <summary>Recognises the common program shapes.</summary>
public static class ProgramShapes
{
    /// <summary>The shape of a program; <paramref name="outPort"/> is set for <see cref="ProgramShape.OutputOnly"/>.</summary>
    public static ProgramShape Classify(ReadOnlySpan<DpAction> actions, out uint outPort)
    {
        outPort = 0;
        switch (actions.Length)
        {
            case 0:
                return ProgramShape.Drop;
            case 1 when actions[0].Op == DpOp.Drop:
                return ProgramShape.Drop;
            case 1 when actions[0].Op == DpOp.Output:
                outPort = actions[0].Port;
                return ProgramShape.OutputOnly;
            case 2 when actions[0].Op == DpOp.Ct && actions[1].Op == DpOp.Recirc:
                return ProgramShape.CtRecirc;
            default:
                return ProgramShape.General;
        }
    }
}
