using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Xlate;

namespace Mergeflow.Engine.Upcall;

/// <summary>The program of a packet whose megaflow found no room. It is the packet's own until <see cref="UpcallHandler.Return"/>, whatever upcalls come meanwhile.</summary>
public readonly unsafe struct UninstalledProgram
{
    internal UninstalledProgram(XlateResult translation) => Translation = translation;

    /// <summary>The records; null if there are none.</summary>
    public DpAction* Actions => Translation.Records;

    /// <summary>Number of records; 0 = drop.</summary>
    public int Count => Translation.Count;

    internal XlateResult Translation { get; }
}
