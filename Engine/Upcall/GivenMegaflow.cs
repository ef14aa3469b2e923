using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Upcall;

/// <summary>A megaflow that is put in by hand (OVS <c>struct dpif_flow_put</c>).</summary>
/// <param name="Key">Its key, with what the mask leaves out as it was given: by that it is found.</param>
/// <param name="Mask">Bits of the key that matter.</param>
/// <param name="Actions">The program.</param>
/// <param name="Ufid">Its name; null = the one that comes of key and mask.</param>
/// <param name="Creates">It is made where the key finds none (<c>DPIF_FP_CREATE</c>).</param>
/// <param name="Modifies">The one that the key finds gets the program (<c>DPIF_FP_MODIFY</c>).</param>
public sealed record GivenMegaflow(FlowKey Key, FlowKey Mask, DpAction[] Actions, Guid? Ufid, bool Creates, bool Modifies);
